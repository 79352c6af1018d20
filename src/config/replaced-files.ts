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
  replace(path: string, text: string | Uint8Array, secrecy: 'public' | 'secret'): void {
    const full = join(this.dir, path);
    attempt(full, () => {
      if (existsSync(full) && !this.kept.includes(this.#keptName(path))) this.#keep(path);
    });
    this.overwrite(path, text, secrecy);
  }

  /** The same for a file whose older versions are of no use. */
  overwrite(path: string, text: string | Uint8Array, secrecy: 'public' | 'secret'): void {
    const full = join(this.dir, path);
    const fresh = `${path}.new`;
    // Left by an attempt that was cut short; nobody has ever used it.
    attempt(full, () => rmSync(`${full}.new`, { force: true }));
    if (secrecy === 'secret') this.#created.writeSecret(fresh, text);
    else this.#created.writePublic(fresh, text);
    attempt(full, () => renameSync(join(this.dir, fresh), full));
  }

  /** Keeps a copy of a file that is to be replaced, which one may refer to before it is. @returns its path */
  keep(path: string): string {
    attempt(join(this.dir, path), () => this.#keep(path));
    return this.#keptName(path);
  }

  /** Takes a file away, and keeps it under its other name. */
  remove(path: string): void {
    attempt(join(this.dir, path), () => renameSync(join(this.dir, path), join(this.dir, this.#keptName(path))));
    this.kept.push(this.#keptName(path));
  }

  #keep(path: string): void {
    const kept = this.#keptName(path);
    copyFileSync(join(this.dir, path), join(this.dir, kept), constants.COPYFILE_EXCL);
    this.kept.push(kept);
  }

  #keptName(path: string): string {
    return `${path}${this.#suffix}`;
  }
}
