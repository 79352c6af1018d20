import { constants, copyFileSync, existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CreatedFiles } from './created-files.js';
import { attempt } from './files.js';

/** Puts new files in the place of old ones below one directory, and keeps the old ones beside them. */
export class ReplacedFiles {
  /** The old files under their new names. */
  readonly kept: string[] = [];
  readonly #suffix: string;
  readonly #created: CreatedFiles;

  /** @param at becomes part of the names of the old files */
  constructor(
    private readonly dir: string,
    at: Date,
  ) {
    this.#suffix = `.until-${at.toISOString().replaceAll(/[-:.]/g, '')}`;
    this.#created = new CreatedFiles(dir);
  }

  /** At every moment either the old file or the new one is there. Nothing is overwritten. @throws ConcordatError ConfigInvalid */
  replace(path: string, text: string, secrecy: 'public' | 'secret'): void {
    const full = join(this.dir, path);
    const fresh = `${path}.new`;
    attempt(full, () => {
      if (existsSync(full)) this.#keep(path);
      // Left by an attempt that was cut short; nobody has ever used it.
      rmSync(`${full}.new`, { force: true });
    });
    if (secrecy === 'secret') this.#created.writeSecret(fresh, text);
    else this.#created.writePublic(fresh, text);
    attempt(full, () => renameSync(join(this.dir, fresh), full));
  }

  #keep(path: string): void {
    const kept = `${path}${this.#suffix}`;
    copyFileSync(join(this.dir, path), join(this.dir, kept), constants.COPYFILE_EXCL);
    this.kept.push(kept);
  }
}
