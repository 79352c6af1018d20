import { ConcordatError } from '../errors.js';
import { readText } from './files.js';

/** The environment variable that holds the password of a PKCS#12 file, where no file does. */
export const PASSWORD_VARIABLE = 'CONCORDAT_KEY_PASSWORD';

/**
 * A password from a file (its first line), or from the environment; never from the command line, which every process can see.
 * @throws ConcordatError ConfigMissing without any, ConfigInvalid for an empty one
 */
export function readPassword(file: string | undefined, what: string): string {
  const text = file === undefined ? process.env[PASSWORD_VARIABLE] : readText(file, file, 'ConfigMissing');
  if (text === undefined) {
    throw new ConcordatError('ConfigMissing', `${what} needs a password: name a file that holds it, or set ${PASSWORD_VARIABLE}`);
  }
  const [password = ''] = text.split(/\r?\n/);
  if (password === '') throw new ConcordatError('ConfigInvalid', `the password of ${what} is empty`);
  return password;
}
