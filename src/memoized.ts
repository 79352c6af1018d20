/**
 * A pure function of a text that remembers what it gave for the last so many texts, or more: when there are twice as many, the older half is
 * forgotten.
 */
export function memoized<T>(most: number, compute: (text: string) => T): (text: string) => T {
  let recent = new Map<string, T>();
  let older = new Map<string, T>();
  return (text) => {
    const known = recent.get(text) ?? older.get(text);
    if (known !== undefined) return known;
    const value = compute(text);
    if (recent.size >= most) {
      older = recent;
      recent = new Map();
    }
    recent.set(text, value);
    return value;
  };
}
