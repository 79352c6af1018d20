const common = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' } }],
  },
};

/** @type {import('jest').Config} */
export default {
  maxWorkers: 2,
  // Shared, noisy machines: the time a test may take, not the time it should.
  testTimeout: 30_000,
  projects: [
    { ...common, displayName: 'test', testMatch: ['<rootDir>/test/**/*.test.ts'] },
    { ...common, displayName: 'long', testMatch: ['<rootDir>/test/**/*.long.ts'] },
  ],
};
