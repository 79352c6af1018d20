import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { KeyType } from './cluster.js';

/** A SOAP stack that is not ours, and our program for it. */
export interface Stack {
  readonly name: string;
  /** Files that must be on this machine, and the Debian packages they come from. */
  readonly needs: readonly string[];
  readonly packages: readonly string[];
  /** Builds the program below a folder of its own. @returns the command that runs it */
  readonly build: (folder: string) => Promise<readonly string[]>;
  /** What this stack throws, or gives, when it gets a fault. */
  readonly fault: string;
  readonly keyTypes: readonly KeyType[];
  /** Its program reads cluster.json; else it is told by --address, --f and --replica what it says. */
  readonly readsClusterFile: boolean;
}

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// Debian's python3-zeep and python3-xmlsec belong to Debian's own Python.
const PYTHON = '/usr/bin/python3';
const BOTH: readonly KeyType[] = ['rsa', 'ec'];

export const STACKS: readonly Stack[] = [
  {
    name: 'zeep',
    needs: [PYTHON, '/usr/lib/python3/dist-packages/zeep', '/usr/lib/python3/dist-packages/lxml'],
    packages: ['python3-zeep', 'python3-xmlsec'],
    build: () => Promise.resolve([PYTHON, '-B', at('zeep/program.py')]),
    fault: 'zeep.exceptions.Fault',
    keyTypes: BOTH,
    readsClusterFile: true,
  },
  {
    name: 'soap',
    needs: [],
    packages: [],
    build: () => Promise.resolve([process.execPath, at('soap/program.mjs')]),
    fault: 'Error.root',
    keyTypes: BOTH,
    readsClusterFile: true,
  },
  {
    name: 'jaxws',
    needs: [
      '/usr/bin/javac',
      '/usr/bin/wsimport',
      ...['jaxws-rt', 'wss4j', 'xmlsec', 'commons-logging', 'slf4j-api', 'slf4j-nop'].map((jar) => `/usr/share/java/${jar}.jar`),
    ],
    packages: ['openjdk-17-jdk-headless', 'jaxws', 'libjaxws-java', 'libwss4j-java', 'libcommons-logging-java', 'libslf4j-java'],
    build: async (folder) => {
      const classPath = await run(at('jaxws/build.sh'), folder);
      return ['java', '-Dcom.sun.xml.ws.monitoring.endpoint=false', '-cp', classPath, 'interop.Program'];
    },
    fault: 'javax.xml.ws.soap.SOAPFaultException',
    keyTypes: BOTH,
    readsClusterFile: false,
  },
  {
    name: 'gsoap',
    needs: [
      ...['wsdl2h', 'soapcpp2', 'g++', 'pkg-config'].map((command) => `/usr/bin/${command}`),
      ...['/usr/include/stdsoap2.h', '/usr/include/openssl/evp.h', '/usr/include/zlib.h'],
    ],
    packages: ['gsoap', 'libgsoap-dev', 'libssl-dev', 'zlib1g-dev', 'g++', 'pkgconf'],
    build: async (folder) => [await run(at('gsoap/build.sh'), folder)],
    fault: 'SOAP_ENV__Fault',
    // Its ECDSA signatures are not those of XML Signature: see ecdsa.long.ts.
    keyTypes: ['rsa'],
    readsClusterFile: false,
  },
];

const BUILD_TIMEOUT_MS = 170_000;

/** Runs a build script. @returns what it printed. @throws Error with what it complained about */
async function run(script: string, folder: string): Promise<string> {
  const { stdout } = await promisify(execFile)(script, [folder], { timeout: BUILD_TIMEOUT_MS });
  return stdout.trim();
}

/** What is not on this machine; empty if the stack can run. */
export const missing = (stack: Stack): readonly string[] => stack.needs.filter((file) => !existsSync(file));

/** @returns the command that runs the program. @throws Error that names the Debian packages to install, or says how the build failed */
export async function build(stack: Stack, root: string): Promise<readonly string[]> {
  const lacking = missing(stack);
  if (lacking.length > 0) {
    throw new Error(`${stack.name}: there is no ${lacking.join(', ')}: apt-get install ${stack.packages.join(' ')}`);
  }
  const folder = join(root, stack.name);
  mkdirSync(folder, { recursive: true });
  return stack.build(folder);
}
