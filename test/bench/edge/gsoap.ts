import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** gSOAP's signed echo: built from test/bench/gsoap with the packages gsoap, libgsoap-dev and libssl-dev. */

const SHARE = '/usr/share/gsoap';
const SOURCE = join(process.cwd(), 'test/bench/gsoap');
/** As the packaged library was compiled (pkg-config --cflags gsoapssl). */
const DEFINES = ['WITH_IPV6', 'WITH_OPENSSL', 'WITH_GZIP', 'WITH_DOM'].map((name) => `-D${name}`);
const PLUGINS = ['wsseapi', 'wsaapi', 'smdevp', 'mecevp', 'threads'].map((name) => join(SHARE, 'plugin', `${name}.c`));
const LIBRARIES = ['gsoapssl', 'ssl', 'crypto', 'z', 'pthread'].map((name) => `-l${name}`);

export type GsoapBuild =
  { readonly kind: 'built'; readonly program: string } | { readonly kind: 'missing'; readonly why: string };

/** Builds the program in a directory of the caller's. */
export function buildGsoap(directory: string): GsoapBuild {
  if (!existsSync(join(SHARE, 'plugin/wsseapi.c'))) return { kind: 'missing', why: 'not installed' };
  const program = join(directory, 'echo');
  const imports = `-I${SHARE}/import:${SHARE}`;
  const generate = ['soapcpp2', '-c', '-S', '-x', '-L', imports, `-d${directory}`, join(SOURCE, 'echo.h')];
  const generated = ['soapC.c', 'soapServer.c'].map((name) => join(directory, name));
  const sources = [join(SOURCE, 'echo.c'), ...generated, ...PLUGINS, join(SHARE, 'custom/struct_timeval.c')];
  const includes = [directory, SHARE, join(SHARE, 'plugin')].map((path) => `-I${path}`);
  for (const command of [generate, ['cc', '-O2', '-w', ...DEFINES, ...includes, '-o', program, ...sources, ...LIBRARIES]]) {
    const [tool = '', ...args] = command;
    const done = spawnSync(tool, args, { encoding: 'utf8' });
    if (done.status !== 0) return { kind: 'missing', why: `${tool} failed: ${(done.stderr ?? '').trim().slice(-300)}` };
  }
  return { kind: 'built', program };
}
