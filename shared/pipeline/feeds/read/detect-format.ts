// What a feed document is, judged by its front: a name or a media type promises, the bytes tell.
import { Tokenizer, TokenType } from '@streamparser/json';
import { DETECT_BYTES, type FeedContent, detectContent } from '../../../format/feed-text/detect.ts';
import { FeedFormatError } from './feed-format.ts';

/** Which reader takes the document; `json` decides between MISP, warning list and records when it has all of it. */
export type ReaderName = 'text' | 'csv' | 'jsonl' | 'stix' | 'json';

const NO_READER: Readonly<Partial<Record<FeedContent, string>>> = {
  markup: 'it is HTML or XML, not a feed',
  archive: 'it is a ZIP archive; unpack it first',
  utf16: 'it is UTF-16 text; feeds are ASCII or UTF-8',
};

/** What it is at first sight. Throws a `FeedFormatError` for what nothing reads, whatever its format is said to be. */
export function readableContent(front: Uint8Array): FeedContent {
  const content = detectContent(front);
  const reason = NO_READER[content];
  if (reason !== undefined) throw new FeedFormatError('noReader', reason);
  return content;
}

/** `front` are the first `DETECT_BYTES`, or all that there are. Throws as `readableContent` does. */
export function detectFormat(front: Uint8Array): ReaderName {
  const content = readableContent(front);
  if (content !== 'json') return content as 'text' | 'csv';
  if (isJsonLines(front)) return 'jsonl';
  return isStixDocument(front) ? 'stix' : 'json';
}

/** The same bytes, once `judge` has seen their front. */
export async function* judged(
  chunks: AsyncIterable<Uint8Array>,
  judge: (front: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  let front: Uint8Array[] | null = [];
  let frontBytes = 0;
  const release = (): Uint8Array => {
    const bytes = Buffer.concat(front!);
    judge(bytes.subarray(0, DETECT_BYTES));
    front = null;
    return bytes;
  };
  for await (const chunk of chunks) {
    if (front === null) {
      yield chunk;
      continue;
    }
    front.push(chunk);
    frontBytes += chunk.length;
    if (frontBytes >= DETECT_BYTES) yield release();
  }
  if (front !== null) yield release();
}

/** A whole object on the first line and another one on the next: a document over lines has neither. */
function isJsonLines(front: Uint8Array): boolean {
  const lines = Buffer.from(front)
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const [first, second] = lines;
  if (first === undefined || second === undefined) return false;
  return first.startsWith('{') && second.startsWith('{') && isJson(first);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Bundles of STIX, and the envelopes in which TAXII sends their objects. */
export function isStixDocument(front: Uint8Array): boolean {
  const members = topLevelOf(front);
  return members.get('type') === 'bundle' || members.get('objects') === 'list';
}

/** The members of a JSON object as far as the front shows them: their value if that is text, `list` for a list. */
function topLevelOf(front: Uint8Array): ReadonlyMap<string, unknown> {
  const members = new Map<string, unknown>();
  let depth = 0;
  let key: string | null = null;
  const tokenizer = new Tokenizer();
  tokenizer.onToken = ({ token, value }) => {
    const opens = token === TokenType.LEFT_BRACE || token === TokenType.LEFT_BRACKET;
    if (depth === 1 && key !== null && token !== TokenType.COLON) {
      if (token === TokenType.LEFT_BRACKET) members.set(key, 'list');
      else members.set(key, token === TokenType.STRING ? value : null);
      key = null;
    } else if (depth === 1 && token === TokenType.STRING) {
      key = String(value);
    }
    if (opens) depth++;
    else if (token === TokenType.RIGHT_BRACE || token === TokenType.RIGHT_BRACKET) depth--;
  };
  // What is wrong further on is the reader's finding; here only what comes before counts.
  tokenizer.onError = () => {};
  tokenizer.write(Buffer.from(front).toString('utf8'));
  return members;
}
