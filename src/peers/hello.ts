import { MalformedFrame } from './frames.js';

/** How a dialer says who it is and whom it wants. Its certificate must be that of `from`. */
export interface Hello {
  readonly cluster: string;
  readonly from: number;
  readonly to: number;
}

export const encodeHello = (hello: Hello): Buffer => Buffer.from(JSON.stringify(hello));

/** @throws MalformedFrame */
export function decodeHello(payload: Buffer): Hello {
  const value = parseJson(payload);
  if (typeof value === 'object' && value !== null && 'cluster' in value && 'from' in value && 'to' in value) {
    const { cluster, from, to } = value;
    if (typeof cluster === 'string' && typeof from === 'number' && typeof to === 'number') return { cluster, from, to };
  }
  throw new MalformedFrame('a hello without cluster, from and to');
}

/** @throws MalformedFrame */
export function parseJson(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch {
    throw new MalformedFrame('a payload that is not JSON');
  }
}
