import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Imports point one way (docs/architecture.md); each entry lists what a folder must not import. */
const forbidden = {
  'src/x509': ['wsba', 'bft', 'soap', 'contract', 'store', 'peers', 'config', 'replica', 'client', 'cli', 'travel'],
  'src/wsba': ['x509', 'bft', 'soap', 'contract', 'store', 'peers', 'config', 'replica', 'client', 'cli', 'travel'],
  'src/bft': ['x509', 'wsba', 'soap', 'contract', 'store', 'peers', 'config', 'replica', 'client', 'cli', 'travel'],
  'src/soap': ['bft', 'contract', 'config', 'store', 'peers', 'replica', 'client', 'cli', 'travel'],
  'src/store': ['wsba', 'soap', 'contract', 'config', 'peers', 'replica', 'client', 'cli', 'travel'],
  'src/peers': ['wsba', 'soap', 'contract', 'config', 'store', 'replica', 'client', 'cli', 'travel'],
  'src/contract': ['bft', 'store', 'peers', 'config', 'replica', 'client', 'cli', 'travel'],
  'src/config': ['wsba', 'soap', 'bft', 'store', 'peers', 'replica', 'client', 'cli', 'travel'],
  'src/replica': ['client', 'cli', 'travel'],
  'src/client': ['replica', 'cli', 'travel'],
  'src/cli': ['travel'],
};

/** What the agency's page uses of the browser. */
const BROWSER = ['document', 'Node', 'Element', 'EventSource', 'FormData', 'fetch', 'matchMedia', 'setTimeout', 'clearTimeout'];

export default tseslint.config(
  { ignores: ['dist/', 'build/', 'node_modules/', 'coverage/', 'reports/'] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['*.js'] }, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
    },
  },
  ...Object.entries(forbidden).map(([folder, names]) => ({
    files: [`${folder}/**/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [{ group: names.map((name) => `**/${name}/*`), message: 'Imports point one way: see docs/architecture.md.' }],
        },
      ],
    },
  })),
  {
    files: ['src/wsba/**/*.ts', 'src/bft/**/*.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'The core does not read the clock.' },
        { object: 'Math', property: 'random', message: 'The core is deterministic.' },
      ],
      'no-restricted-globals': ['error', 'Date', 'setTimeout', 'setInterval', 'setImmediate', 'fetch'],
    },
  },
  { files: ['*.js', 'test/**/*.mjs', 'src/travel/page/assets/*.js'], ...tseslint.configs.disableTypeChecked },
  {
    // What runs in the browser.
    files: ['src/travel/page/assets/*.js'],
    languageOptions: {
      globals: Object.fromEntries(BROWSER.map((name) => [name, 'readonly'])),
    },
  },
);
