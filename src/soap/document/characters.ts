/** Anything outside the production Char of XML 1.0 §2.2, lone surrogates included. */
export const FORBIDDEN_CHARACTER = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;

/** Anything but the white space of XML 1.0 §2.3. */
export const NOT_SPACE = /[^ \t\r\n]/;

/** The characters that markup is made of, as UTF-16 units. */
export const CHAR = {
  tab: 0x09,
  lineFeed: 0x0a,
  carriageReturn: 0x0d,
  space: 0x20,
  bang: 0x21,
  quote: 0x22,
  apostrophe: 0x27,
  slash: 0x2f,
  colon: 0x3a,
  less: 0x3c,
  equals: 0x3d,
  greater: 0x3e,
  question: 0x3f,
} as const;

export const isSpace = (unit: number): boolean =>
  unit === CHAR.space || unit === CHAR.lineFeed || unit === CHAR.tab || unit === CHAR.carriageReturn;

const START =
  'A-Z_a-z\\u{C0}-\\u{D6}\\u{D8}-\\u{F6}\\u{F8}-\\u{2FF}\\u{370}-\\u{37D}\\u{37F}-\\u{1FFF}\\u{200C}-\\u{200D}\\u{2070}-\\u{218F}' +
  '\\u{2C00}-\\u{2FEF}\\u{3001}-\\u{D7FF}\\u{F900}-\\u{FDCF}\\u{FDF0}-\\u{FFFD}\\u{10000}-\\u{EFFFF}';
const NCNAME = `[${START}][\\u{300}-\\u{36F}${START}\\-.0-9\\u{B7}\\u{203F}-\\u{2040}]*`;
const QNAME = new RegExp(`${NCNAME}(?::${NCNAME})?`, 'uy');

/** What an ASCII character is in a name (XML 1.0 §2.3): nothing, one that may go on, or one that may begin. */
const NAME_PART = Uint8Array.from({ length: 128 }, (_, unit) => {
  const character = String.fromCharCode(unit);
  return /[A-Za-z_]/.test(character) ? 2 : /[-.0-9]/.test(character) ? 1 : 0;
});

/**
 * Where the QName (Namespaces in XML 1.0 §4) that begins at `at` ends; `at` itself if none begins there. What follows a name is the
 * reader's matter.
 */
export function endOfName(text: string, at: number): number {
  let isStart = true;
  let hasPrefix = false;
  for (let i = at; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 128) return endOfWideName(text, at);
    const part = NAME_PART[unit] ?? 0;
    if (part === 2 || (part === 1 && !isStart)) isStart = false;
    else if (unit === CHAR.colon && !isStart && !hasPrefix) {
      hasPrefix = true;
      isStart = true;
    } else return isStart ? at : i;
  }
  return isStart ? at : text.length;
}

/** The same for names beyond ASCII, which are rare: by the productions themselves. */
function endOfWideName(text: string, at: number): number {
  QNAME.lastIndex = at;
  const match = QNAME.exec(text);
  return match === null ? at : at + match[0].length;
}
