import { ConcordatError } from '../../errors.js';

export const malformed = (detail: string): ConcordatError => new ConcordatError('MalformedXml', detail);
export const tooDeep = (detail: string): ConcordatError => new ConcordatError('TooDeep', detail);
