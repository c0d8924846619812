import { isSign, type Token, type TokenReader } from './tokens.ts';

/** One test of a pattern: a path, an operator, and what the operator is given. */
export interface Comparison {
  /** The object type before the colon. */
  readonly object: string;
  /** The properties behind it, as `dst_ref.value`; any place of a list is `[*]`. */
  readonly path: string;
  readonly operator: Operator;
  readonly negated: boolean;
  /** None for EXISTS and for an empty set, several only for IN. */
  readonly values: readonly Token[];
  readonly start: number;
  readonly end: number;
}

export type Operator =
  | '='
  | '!='
  | '<'
  | '>'
  | '<='
  | '>='
  | 'IN'
  | 'LIKE'
  | 'MATCHES'
  | 'ISSUBSET'
  | 'ISSUPERSET'
  | 'EXISTS';

const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ['=', '='],
  ['==', '='],
  ['!=', '!='],
  ['<>', '!='],
  ['<', '<'],
  ['>', '>'],
  ['<=', '<='],
  ['>=', '>='],
  ['IN', 'IN'],
  ['LIKE', 'LIKE'],
  ['MATCHES', 'MATCHES'],
  ['ISSUBSET', 'ISSUBSET'],
  ['ISSUPERSET', 'ISSUPERSET'],
]);

/** Reads one test; null if what is next is none. */
export function readComparison(tokens: TokenReader): Comparison | null {
  const { start } = tokens.peek();
  const notBefore = tokens.takeIf('NOT');
  if (tokens.takeIf('EXISTS')) {
    const path = readPath(tokens);
    if (path === null) return null;
    return { ...path, operator: 'EXISTS', negated: notBefore, values: [], start };
  }
  const path = notBefore ? null : readPath(tokens);
  if (path === null) return null;
  const negated = tokens.takeIf('NOT');
  const { kind, value } = tokens.take();
  const operator = kind === 'symbol' || kind === 'keyword' ? OPERATORS.get(value) : undefined;
  if (operator === undefined) return null;
  const values = operator === 'IN' ? readSet(tokens) : readOperand(tokens, operator);
  if (values === null) return null;
  const end = values.end;
  return { ...path, operator, negated, values: values.values, start, end };
}

interface Path {
  readonly object: string;
  readonly path: string;
  readonly end: number;
}

function readPath(tokens: TokenReader): Path | null {
  const object = tokens.take();
  if (object.kind !== 'word' || !tokens.takeIf(':')) return null;
  const first = tokens.take();
  if (!isProperty(first)) return null;
  let path = propertyText(first);
  let end = first.end;
  for (;;) {
    let step = '';
    if (tokens.takeIf('.')) {
      const property = tokens.take();
      if (!isProperty(property)) return null;
      step = `.${propertyText(property)}`;
      end = property.end;
    } else if (tokens.takeIf('[')) {
      const index = tokens.take();
      end = tokens.peek().end;
      if (!isIndex(index) || !tokens.takeIf(']')) return null;
      step = index.value.startsWith('-') ? '[-]' : '[*]';
    }
    if (step === '') return { object: object.value, path, end };
    path += step;
  }
}

function isProperty({ kind }: Token): boolean {
  return kind === 'word' || kind === 'text';
}

/** A quoted name with a dot in it is one name: it keeps its quotes, so that it is not taken for two. */
function propertyText({ kind, value }: Token): string {
  return kind === 'word' || /^\w+$/.test(value) ? value : `'${value}'`;
}

function isIndex(token: Token): boolean {
  return isSign(token, '*') || (token.kind === 'number' && !token.value.includes('.'));
}

interface Values {
  readonly values: readonly Token[];
  readonly end: number;
}

function readOperand(tokens: TokenReader, operator: Operator): Values | null {
  const literal = tokens.take();
  const fits = takesText(operator)
    ? literal.kind === 'text'
    : isLiteral(literal) && (literal.kind !== 'boolean' || !isOrder(operator));
  return fits ? { values: [literal], end: literal.end } : null;
}

function takesText(operator: Operator): boolean {
  return /^(?:LIKE|MATCHES|ISSUBSET|ISSUPERSET)$/.test(operator);
}

function isOrder(operator: Operator): boolean {
  return operator.startsWith('<') || operator.startsWith('>');
}

function isLiteral({ kind }: Token): boolean {
  return kind === 'text' || kind === 'number' || kind === 'boolean' || kind === 'constant';
}

/** `('a', 'b')`; it may be empty, but ends with no comma. */
function readSet(tokens: TokenReader): Values | null {
  if (!tokens.takeIf('(')) return null;
  const values: Token[] = [];
  let { end } = tokens.peek();
  if (tokens.takeIf(')')) return { values, end };
  for (;;) {
    const literal = tokens.take();
    if (!isLiteral(literal)) return null;
    values.push(literal);
    end = tokens.peek().end;
    if (tokens.takeIf(')')) return { values, end };
    if (!tokens.takeIf(',')) return null;
  }
}
