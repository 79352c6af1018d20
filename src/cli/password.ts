import { Option } from 'commander';
import { PASSWORD_VARIABLE, readPassword } from '../config/index.js';

/** Whether a private key goes into a PKCS#12 file, and where its password is. */
export interface Pkcs12Flags {
  readonly pkcs12?: boolean;
  readonly passwordFile?: string;
}

export const pkcs12Options = (): Option[] => [
  new Option('--pkcs12', 'write the private key into a PKCS#12 file (.p12) instead of PEM'),
  new Option('--password-file <file>', `with --pkcs12: its password, on the first line (default: $${PASSWORD_VARIABLE})`),
];

/** The password that is asked for; nothing for PEM. @throws ConcordatError ConfigMissing, ConfigInvalid */
export const pkcs12Password = ({ pkcs12, passwordFile }: Pkcs12Flags): { pkcs12Password?: string } =>
  pkcs12 === true ? { pkcs12Password: readPassword(passwordFile, 'the PKCS#12 file') } : {};
