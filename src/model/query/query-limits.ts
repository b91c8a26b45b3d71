/** What one list request may ask for. Beyond any of these it is refused before a statement exists (used by the parsers here). */

/** Names and values of all parameters together, decoded, in UTF-8 bytes. */
export const MAX_QUERY_BYTES = 16 * 1024;

/** Comparisons in all filters together. */
export const MAX_FILTER_TERMS = 100;

/** How deep `and(...)` and `or(...)` may nest; `or=(...)` itself is the first level. */
export const MAX_FILTER_DEPTH = 10;

/** Values of one `in.(...)`. */
export const MAX_IN_VALUES = 1_000;

export const MAX_ORDER_TERMS = 16;

export const MAX_SELECT_TERMS = 200;

/** Rows skipped are rows read: a larger offset costs what it skips. */
export const MAX_OFFSET = 1_000_000;

/** How deep entities may be embedded in one another. */
export const MAX_EMBED_DEPTH = 5;

/** Embeds in one request, on all levels together. */
export const MAX_EMBEDS = 20;

/** Steps of one path into a JSON value. */
export const MAX_PATH_STEPS = 20;
