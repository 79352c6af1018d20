import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Asset {
  readonly type: string;
  readonly bytes: Buffer;
}

/** Everything the page is made of, by path; nothing comes from elsewhere. */
const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/style.css': ['style.css', 'text/css; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/render.js': ['render.js', 'text/javascript; charset=utf-8'],
  '/dom.js': ['dom.js', 'text/javascript; charset=utf-8'],
  '/icon.svg': ['icon.svg', 'image/svg+xml'],
};

/** Reads the files once; they lie beside this module. */
export const loadAssets = (): ReadonlyMap<string, Asset> =>
  new Map(
    Object.entries(FILES).map(([path, [file, type]]) => [
      path,
      { type, bytes: readFileSync(fileURLToPath(new URL(`./assets/${file}`, import.meta.url))) },
    ]),
  );
