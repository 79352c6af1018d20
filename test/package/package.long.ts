import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'concordat-package-'));
const installed = join(work, 'node_modules', 'concordat');

/** What somebody gets who installs the package, with this project's own dependencies beside it. */
beforeAll(async () => {
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', work], { cwd: root });
  const [packed] = JSON.parse(stdout) as { filename: string }[];
  mkdirSync(installed, { recursive: true });
  await run('tar', ['-xzf', join(work, packed?.filename ?? ''), '-C', installed, '--strip-components=1']);
  symlinkSync(join(root, 'node_modules'), join(installed, 'node_modules'));
}, 60_000);
afterAll(() => rmSync(work, { recursive: true, force: true }));

describe('the package', () => {
  test('holds what it needs and nothing else', async () => {
    const { stdout } = await run('ls', ['-A', installed]);
    expect(stdout.trim().split('\n').sort()).toEqual(['LICENSE', 'README.md', 'dist', 'node_modules', 'package.json', 'wsdl']);
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { license: string };
    expect(manifest.license).toBe('Apache-2.0');
  });

  test('its command makes a cluster', async () => {
    await run(process.execPath, [join(installed, 'dist/cli/main.js'), 'init', join(work, 'cluster')]);
    expect(readFileSync(join(work, 'cluster', 'cluster.json'), 'utf8')).toContain('"replicas"');
  });

  test('exports the client library and the broadcast, with types that compile', async () => {
    writeFileSync(
      join(work, 'user.ts'),
      `import { ConcordatError, Initiator, Participant, loadClientKeys, signedWsdlClient } from 'concordat';
       import { SourceOrderedBroadcast } from 'concordat/bft';
       const pair = loadClientKeys(process.argv[2] ?? '', 'initiator');
       const initiator = await Initiator.open({ cluster: process.argv[2] ?? '', credentials: pair, store: ':memory:', timeoutMs: 500 });
       try {
         await initiator.createActivity({ name: 'trip', outcome: 'atomic' });
       } catch (error) {
         if (error instanceof ConcordatError) console.log(error.code, typeof Participant.open, typeof signedWsdlClient, typeof SourceOrderedBroadcast);
       }
       await initiator.close();
      `,
    );
    writeFileSync(
      join(work, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          module: 'NodeNext',
          target: 'ES2023',
          strict: true,
          skipLibCheck: true,
          types: ['node'],
          typeRoots: [join(root, 'node_modules/@types')],
          outDir: '.',
        },
        files: ['user.ts'],
      }),
    );
    writeFileSync(join(work, 'package.json'), '{"type":"module"}');
    await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', work]);
    const { stdout } = await run(process.execPath, [join(work, 'user.js'), join(work, 'cluster')]);
    expect(stdout.trim()).toBe('NoQuorum function function function');
  }, 60_000);
});
