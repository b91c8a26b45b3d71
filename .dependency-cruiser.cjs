/** The floors of the house: imports only run downwards, and never in a circle. */
const floor = (name, from, to) => ({ name, severity: 'error', from: { path: from }, to: { path: to } });

const FEATURES = '^src/(control|entities|records|openapi|packs|imports|past|crossing|webhooks|encryption)/';
const CORRIDOR = '^src/(http|access|tenants)/';
const FOUNDATIONS = '^src/(audit|database|library)/';
const GROUND = '^src/(model|platform)/';
const TOP = '^src/[^/]+\\.ts$|^src/(commands|demo)/';

module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    floor('ground-is-pure', GROUND, `${FOUNDATIONS}|${CORRIDOR}|${FEATURES}|${TOP}`),
    floor('platform-is-lowest', '^src/platform/', '^src/model/'),
    floor('foundations-know-nothing-above', FOUNDATIONS, `${CORRIDOR}|${FEATURES}|${TOP}`),
    floor('database-is-the-lowest-foundation', '^src/database/', '^src/(audit|library)/'),
    floor('the-library-only-reads', '^src/library/', '^src/(audit|database)/'),
    floor('corridor-knows-no-feature', CORRIDOR, `${FEATURES}|${TOP}`),
    floor('features-know-nothing-above', FEATURES, TOP),
    floor('tenants-and-access-know-no-http', '^src/(access|tenants)/', '^src/http/'),
    {
      name: 'features-are-strangers',
      severity: 'error',
      from: { path: '^src/(control|entities|records|openapi)/' },
      to: {
        path: FEATURES,
        pathNot: [
          '^src/$1/',
          '^src/entities/(entity-registry|entity-views|defined-entity|stored-versions)\\.ts$',
          '^src/packs/packs\\.(module|service)\\.ts$',
        ],
      },
    },
    floor('packs-know-only-entities', '^src/packs/', '^src/(control|records|openapi)/'),
    floor(
      'imports-know-only-records-and-the-registry',
      '^src/imports/',
      '^src/(control|openapi|packs)/|^src/entities/(?!entity-registry|entity-views|defined-entity)',
    ),
    floor(
      'the-past-knows-only-records-and-the-registry',
      '^src/past/',
      '^src/(control|openapi|packs|imports)/|^src/entities/(?!entity-registry|entity-views|defined-entity|stored-versions)',
    ),
    floor(
      'webhooks-know-only-the-registry',
      '^src/webhooks/',
      '^src/(openapi|packs|imports|past|records)/|^src/control/(?!page\\.query)|^src/entities/(?!entity-registry|entity-views|defined-entity)',
    ),
    floor(
      'crossing-knows-only-records-and-the-registry',
      '^src/crossing/',
      '^src/(control|openapi|packs|imports|past)/|^src/entities/(?!entity-registry|entity-views|defined-entity)',
    ),
    floor(
      'encryption-knows-only-how-definitions-are-kept',
      '^src/encryption/',
      '^src/(control|openapi|packs|imports|past|crossing|webhooks|records)/|^src/entities/(?!defined-entity|lent-rights|patiently|read-documents|registry-changes|stored-versions)',
    ),
    // A tenant is made with its packs; nobody else installs any.
    floor('packs-are-installed-by-control', '^src/(entities|records|openapi|imports|past|crossing)/', '^src/packs/'),
    {
      name: 'model-does-no-io',
      severity: 'error',
      from: { path: '^src/model/' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|net|util)$' },
    },
    {
      name: 'only-the-database-room-knows-pg',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/database/' },
      to: { path: 'node_modules/(pg|pg-.*)/' },
    },
    { name: 'no-dev-dependencies', severity: 'error', from: { path: '^src/' }, to: { dependencyTypes: ['npm-dev'] } },
    { name: 'no-tests-in-sources', severity: 'error', from: { path: '^src/' }, to: { path: '^test/' } },
  ],
  options: {
    // Tests may look from anywhere at anything.
    exclude: { path: '\\.(spec|fixture)\\.ts$' },
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
  },
};
