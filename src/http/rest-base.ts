/** Below which PostgREST's clients find what they know: its grammar, its defaults, its errors. */
export const REST_BASE = '/rest/v1';
