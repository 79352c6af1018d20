import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import { rootCertificates } from 'node:tls';
import { ConcordatError } from '../errors.js';

export interface GetOptions {
  /** Authorities (PEM) that certify an https URL, beside those of the system. */
  readonly authorities: readonly string[];
  readonly timeoutMs: number;
}

/** The status that GET is answered with; what else the answer holds is not read. @throws ConcordatError ReplicaUnreachable */
export function getStatus(url: URL, { authorities, timeoutMs }: GetOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const timeout = AbortSignal.timeout(timeoutMs);
    const ca = authorities.length === 0 ? {} : { ca: [...rootCertificates, ...authorities] };
    const options = { signal: timeout, agent: false as const };
    const answered = ({ statusCode = 0 }: { readonly statusCode?: number | undefined }): void => {
      resolve(statusCode);
      request.destroy();
    };
    const request = url.protocol === 'https:' ? httpsGet(url, { ...options, ...ca }, answered) : httpGet(url, options, answered);
    request.on('error', (error: NodeJS.ErrnoException) => {
      const reason = timeout.aborted ? `${timeoutMs} ms` : (error.code ?? error.message);
      reject(new ConcordatError('ReplicaUnreachable', `${url.href} did not answer (${reason})`, { cause: error }));
    });
  });
}
