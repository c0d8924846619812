import { readFileSync } from 'node:fs';
import type { DeviceMessage } from '../../../../shared/domain/telemetry/device-message.ts';

const DIRECTORY = new URL('../../../fixtures/micro-agent/', import.meta.url);

interface IndexEntry {
  readonly name: string;
  readonly kind: 'valid' | 'malformed';
  readonly family?: string;
  readonly mti: string;
}

export interface Sample extends IndexEntry {
  readonly body: Uint8Array;
}

const { entries } = JSON.parse(readFileSync(new URL('index.json', DIRECTORY), 'utf8')) as {
  entries: IndexEntry[];
};

export const SAMPLES: readonly Sample[] = entries.map((entry) => ({
  ...entry,
  body: new Uint8Array(readFileSync(new URL(`${entry.name}.bin`, DIRECTORY))),
}));
export const VALID = SAMPLES.filter((sample) => sample.kind === 'valid');
export const MALFORMED = SAMPLES.filter((sample) => sample.kind === 'malformed');

/** What a valid sample decodes to. */
export function expected(name: string): DeviceMessage {
  return JSON.parse(readFileSync(new URL(`${name}.json`, DIRECTORY), 'utf8')) as DeviceMessage;
}

export function sample(name: string): Uint8Array {
  const found = SAMPLES.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no sample ${name}`);
  return found.body.slice();
}
