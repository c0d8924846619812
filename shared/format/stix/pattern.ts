// STIX patterns without recursion: parentheses open frames on a stack, and each test becomes its meaning at once.
import { shownText } from '../../domain/indicator/feed-entry.ts';
import { type PatternReading, readingOf } from './alternatives.ts';
import {
  bothOf,
  eitherOf,
  type Meaning,
  type Refusal,
  refusedMeaning,
  type Work,
} from './clause.ts';
import { readComparison } from './comparison.ts';
import { meaningOf, refusalAt } from './meaning.ts';
import { type Token, TokenReader } from './tokens.ts';

export type { PatternAlternative, PatternReading, PatternRefusal } from './alternatives.ts';

/** Some 30,000 addresses. The longest pattern of the real bundles at hand has 452 characters. */
export const MAX_PATTERN_LENGTH = 1_000_000;
/** What ANDs over ORs may cost, in steps: 100 addresses times 100 ports pass, and it grows only as the pattern does. */
const WORK_BASE = 10_000;
const WORK_PER_CHARACTER = 10;

/**
 * What is open: a bracket or a parenthesis, or the pattern itself. Operands are gathered by how tight operators bind:
 * AND before OR before FOLLOWEDBY.
 */
interface Frame {
  /** Tests stand in brackets, observations around them. */
  readonly holds: 'tests' | 'observations';
  readonly closedBy: ')' | ']' | null;
  /** Where it opened, and where what AND joins began. */
  readonly start: number;
  andStart: number;
  and: Meaning | null;
  or: Meaning | null;
  isSequence: boolean;
}

/** Reads a pattern whole or not at all: what does not parse matches nothing (STIX 2.1 section 9). */
export function readPattern(pattern: string): PatternReading {
  if (pattern.length > MAX_PATTERN_LENGTH) return refusedWhole(pattern, 'tooLong');
  const meaning = new PatternParser(pattern).read();
  return meaning === null ? refusedWhole(pattern, 'badPattern') : readingOf(meaning, pattern);
}

function refusedWhole(pattern: string, reason: 'tooLong' | 'badPattern'): PatternReading {
  return { alternatives: [], refused: [{ reason, text: shownText(pattern) }] };
}

class PatternParser {
  readonly #pattern: string;
  readonly #tokens: TokenReader;
  readonly #work: Work;
  readonly #outer: Frame[] = [];
  #frame: Frame = frameAt(0, 'observations', null);

  constructor(pattern: string) {
    this.#pattern = pattern;
    this.#tokens = new TokenReader(pattern);
    this.#work = { left: WORK_BASE + WORK_PER_CHARACTER * pattern.length };
  }

  /** Null if the pattern does not parse. */
  read(): Meaning | null {
    for (;;) {
      const start = this.#tokens.peek().start;
      if (this.#open()) continue;
      if (this.#frame.holds === 'observations') return null;
      const test = readComparison(this.#tokens);
      if (test === null) return null;
      this.#add(meaningOf(test, this.#pattern), start);

      if (!this.#closeAll()) return null;
      const after = this.#tokens.take();
      if (after.kind === 'end') return this.#outer.length === 0 ? this.#result(after.start) : null;
      if (!this.#join(after)) return null;
    }
  }

  /** Takes what opens a frame, if it is next. */
  #open(): boolean {
    const { start } = this.#tokens.peek();
    const inTests = this.#frame.holds === 'tests';
    if (this.#tokens.takeIf('(')) this.#push(frameAt(start, this.#frame.holds, ')'));
    else if (!inTests && this.#tokens.takeIf('[')) this.#push(frameAt(start, 'tests', ']'));
    else return false;
    return true;
  }

  #push(frame: Frame): void {
    this.#outer.push(this.#frame);
    this.#frame = frame;
  }

  /** Takes what closes frames, and the qualifiers behind them; false if a qualifier is broken. */
  #closeAll(): boolean {
    for (;;) {
      const { closedBy, start } = this.#frame;
      const { end } = this.#tokens.peek();
      if (closedBy === null || !this.#tokens.takeIf(closedBy)) return true;
      const closed = this.#result(end);
      this.#frame = this.#outer.pop()!;
      const operand = this.#frame.holds === 'tests' ? closed : this.#qualified(closed, start);
      if (operand === null) return false;
      this.#add(operand, start);
    }
  }

  /** An operator behind an operand; false if it is none that may stand there. */
  #join({ kind, value }: Token): boolean {
    if (kind !== 'keyword') return false;
    if (value === 'AND') return true;
    const isSequence = value === 'FOLLOWEDBY' && this.#frame.holds === 'observations';
    if (value !== 'OR' && !isSequence) return false;
    this.#endAnd();
    this.#frame.isSequence ||= isSequence;
    return true;
  }

  #add(operand: Meaning, start: number): void {
    const frame = this.#frame;
    if (frame.and === null) {
      frame.and = operand;
      frame.andStart = start;
      return;
    }
    const end = this.#tokens.peek().start;
    const refusal = () => this.#unsupported(frame.andStart, end);
    if (frame.holds === 'tests') frame.and = bothOf(frame.and, operand, refusal, this.#work);
    // Two observations: one connection is not both, and half of them would be more than was meant.
    else if (hasClause(frame.and) || hasClause(operand)) frame.and = refusedMeaning(refusal());
  }

  #endAnd(): void {
    const frame = this.#frame;
    const { and, or } = frame;
    if (and !== null) frame.or = or === null ? and : eitherOf(or, and);
    frame.and = null;
  }

  /** What the frame means, now that `end` is reached. */
  #result(end: number): Meaning {
    this.#endAnd();
    const { or, isSequence, start } = this.#frame;
    return isSequence ? this.#inTime(or!, start, end) : or!;
  }

  /** What START and STOP, WITHIN and REPEATS ask of several connections, one cannot answer. */
  #qualified(observation: Meaning, start: number): Meaning | null {
    let meaning = observation;
    while (isQualifier(this.#tokens.peek())) {
      const end = takeQualifier(this.#tokens);
      if (end === null) return null;
      meaning = this.#inTime(meaning, start, end);
    }
    return meaning;
  }

  #inTime(meaning: Meaning, start: number, end: number): Meaning {
    if (!hasClause(meaning)) return meaning;
    return refusedMeaning(this.#unsupported(start, end));
  }

  #unsupported(start: number, end: number): Refusal {
    return refusalAt(this.#pattern, 'unsupportedPattern', { start, end });
  }
}

function frameAt(start: number, holds: Frame['holds'], closedBy: Frame['closedBy']): Frame {
  return { holds, closedBy, start, andStart: start, and: null, or: null, isSequence: false };
}

function hasClause({ clauses }: Meaning): boolean {
  return clauses.length > 0;
}

function isQualifier({ kind, value }: Token): boolean {
  return kind === 'keyword' && (value === 'START' || value === 'WITHIN' || value === 'REPEATS');
}

/** Takes a qualifier and tells where it ends; null if it is broken. */
function takeQualifier(tokens: TokenReader): number | null {
  const { value } = tokens.take();
  if (value === 'START') {
    const isSpan = takeTime(tokens) && tokens.takeIf('STOP');
    const { end } = tokens.peek();
    return isSpan && takeTime(tokens) ? end : null;
  }
  const isCounted = takeCount(tokens, value === 'WITHIN');
  const { end } = tokens.peek();
  return isCounted && tokens.takeIf(value === 'WITHIN' ? 'SECONDS' : 'TIMES') ? end : null;
}

/** STIX 2.0 has a text there, 2.1 a timestamp. */
function takeTime(tokens: TokenReader): boolean {
  const { kind } = tokens.take();
  return kind === 'text' || kind === 'constant';
}

function takeCount(tokens: TokenReader, mayBeFraction: boolean): boolean {
  const { kind, value } = tokens.take();
  if (kind !== 'number') return false;
  return mayBeFraction ? !value.startsWith('-') : /^\+?\d+$/.test(value);
}
