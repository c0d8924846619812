// The words of a STIX pattern (STIX 2.1 section 9 and its grammar file), one at a time: a bad word ends the reading.
import { parseInstant } from '../../domain/time/instant.ts';

export interface Token {
  readonly kind: TokenKind;
  /** Of a text what its escapes stand for, of a constant what stands between its quotes; of others as written. */
  readonly value: string;
  /** Where it stands in the pattern. */
  readonly start: number;
  readonly end: number;
}

export type TokenKind =
  | 'word'
  | 'keyword'
  | 'text'
  | 'number'
  | 'boolean'
  | 'constant'
  | 'symbol'
  | 'end'
  | 'bad';

const KEYWORDS: ReadonlySet<string> = new Set([
  'AND',
  'OR',
  'NOT',
  'FOLLOWEDBY',
  'LIKE',
  'MATCHES',
  'ISSUPERSET',
  'ISSUBSET',
  'EXISTS',
  'IN',
  'START',
  'STOP',
  'SECONDS',
  'WITHIN',
  'REPEATS',
  'TIMES',
]);
const QUOTE = 39;
const SLASH = 47;
const BACKSLASH = 92;

// Sticky: each matches where it is told to or not at all, and none can take a character in two ways.
const BLANKS = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/y;
const LINE_COMMENT = /\/\/[^\r\n]*/y;
/** A hyphen may stand in a property: STIX 2.0 had no rule against it. */
const WORD = /[A-Za-z_][A-Za-z0-9_-]*/y;
const NUMBER = /[+-]?(?:\d*\.\d+|0|[1-9]\d*)/y;
const SYMBOL = /==|=|!=|<>|<=|>=|[<>()[\],:.*]/y;

const TIMESTAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z$/;

/** A place in a pattern that moves on, token by token. */
export class TokenReader {
  readonly pattern: string;
  #next: Token;

  constructor(pattern: string) {
    this.pattern = pattern;
    this.#next = tokenAt(pattern, 0);
  }

  /** The token that is next, which stays so. */
  peek(): Token {
    return this.#next;
  }

  take(): Token {
    const token = this.#next;
    // Behind a bad token nothing is read: it could be a quote without its end, looked for again and again.
    if (token.kind !== 'bad') this.#next = tokenAt(this.pattern, token.end);
    return token;
  }

  /** Takes the symbol or keyword if it is next. */
  takeIf(value: string): boolean {
    const found = isSign(this.#next, value);
    if (found) this.take();
    return found;
  }
}

/** Whether the token is that symbol or keyword, and not a text that reads like it. */
export function isSign({ kind, value }: Token, sign: string): boolean {
  return value === sign && (kind === 'symbol' || kind === 'keyword');
}

function tokenAt(pattern: string, from: number): Token {
  const start = skipBlanks(pattern, from);
  if (start < 0) return { kind: 'bad', value: '', start: from, end: from };
  if (start === pattern.length) return { kind: 'end', value: '', start, end: start };
  if (pattern.charCodeAt(start) === QUOTE) return textAt(pattern, start);
  const word = matchAt(WORD, pattern, start);
  if (word !== null) return wordOrConstant(pattern, start, word);
  const number = matchAt(NUMBER, pattern, start);
  if (number !== null) return token('number', number, start);
  const symbol = matchAt(SYMBOL, pattern, start);
  return token(symbol === null ? 'bad' : 'symbol', symbol ?? '', start);
}

function token(kind: TokenKind, value: string, start: number): Token {
  return { kind, value, start, end: start + value.length };
}

function matchAt(expression: RegExp, pattern: string, at: number): string | null {
  expression.lastIndex = at;
  return expression.exec(pattern)?.[0] ?? null;
}

/** Behind blanks and comments; -1 if a comment has no end. */
function skipBlanks(pattern: string, from: number): number {
  let at = from;
  for (;;) {
    const before = at;
    at += matchAt(BLANKS, pattern, at)?.length ?? 0;
    if (pattern.charCodeAt(at) === SLASH) {
      at += matchAt(LINE_COMMENT, pattern, at)?.length ?? 0;
      if (pattern.startsWith('/*', at)) {
        const end = pattern.indexOf('*/', at + 2);
        if (end < 0) return -1;
        at = end + 2;
      }
    }
    if (at === before) return at;
  }
}

/** `\'` and `\\` are the only escapes. */
function textAt(pattern: string, start: number): Token {
  let at = start + 1;
  let escaped = false;
  for (; at < pattern.length; at++) {
    const code = pattern.charCodeAt(at);
    if (code === QUOTE) break;
    if (code !== BACKSLASH) continue;
    const next = pattern.charCodeAt(++at);
    if (next !== QUOTE && next !== BACKSLASH) return token('bad', '', start);
    escaped = true;
  }
  if (at >= pattern.length) return token('bad', '', start);
  const written = pattern.slice(start + 1, at);
  const value = escaped ? written.replace(/\\(['\\])/g, '$1') : written;
  return { kind: 'text', value, start, end: at + 1 };
}

function wordOrConstant(pattern: string, start: number, word: string): Token {
  const quote = start + word.length;
  if (pattern.charCodeAt(quote) === QUOTE && /^[thb]$/.test(word)) {
    return constantAt(pattern, start, word);
  }
  if (KEYWORDS.has(word)) return token('keyword', word, start);
  return token(word === 'true' || word === 'false' ? 'boolean' : 'word', word, start);
}

/** `t'2026-08-23T00:00:00Z'`, `h'ffd8'`, `b'aGk='`. One that does not hold what it must is no constant. */
function constantAt(pattern: string, start: number, type: string): Token {
  const end = pattern.indexOf("'", start + 2);
  const value = pattern.slice(start + 2, Math.max(end, start + 2));
  if (end < 0 || !isConstant(type, value)) return token('bad', '', start);
  return { kind: 'constant', value, start, end: end + 1 };
}

function isConstant(type: string, value: string): boolean {
  if (type === 'h') return value.length % 2 === 0 && /^[0-9A-Fa-f]*$/.test(value);
  if (type === 'b') return value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value);
  const seconds = TIMESTAMP.exec(value)?.[1];
  return seconds !== undefined && parseInstant(`${seconds}Z`) !== null;
}
