import { boundedLabels } from '../../domain/indicator/indicator.ts';
import { type Tlp, parseTlp, strictest } from '../../domain/indicator/tlp.ts';
import { isObject, itemsOf, textOf } from '../feed-record/json-value.ts';

/** What the tags of an event or an attribute say. */
export interface MispTags {
  /** The strictest. */
  readonly tlp: Tlp | null;
  /** Undefined if no tag speaks of it; null if one says that it cannot be told. */
  readonly confidence: number | null | undefined;
  /** All others, within the limits of labels. */
  readonly labels: readonly string[];
}

/** The `misp` taxonomy, in its own numbers. */
const CONFIDENCE: ReadonlyMap<string, number | null> = new Map([
  ['completely-confident', 100],
  ['usually-confident', 75],
  ['fairly-confident', 50],
  ['rarely-confident', 25],
  ['unconfident', 0],
  ['confidence-cannot-be-evaluated', null],
]);
const CONFIDENCE_TAG = /^misp:confidence-level="([a-z-]{1,40})"$/i;
const TLP_TAG = /^tlp:/i;

export function readTags(tags: unknown): MispTags {
  const names = itemsOf(tags).map((tag) => (isObject(tag) ? textOf(tag['name']) : ''));
  return {
    tlp: names
      .filter((name) => TLP_TAG.test(name))
      .map(parseTlp)
      .reduce(strictest, null),
    confidence: names.map(confidenceOf).find((level) => level !== undefined),
    labels: boundedLabels(names.filter((name) => !TLP_TAG.test(name))),
  };
}

function confidenceOf(name: string): number | null | undefined {
  const level = CONFIDENCE_TAG.exec(name)?.[1];
  return level === undefined ? undefined : CONFIDENCE.get(level.toLowerCase());
}
