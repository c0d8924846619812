import { textOf } from '../feed-record/json-value.ts';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A UUID as it is written, null for any other text: file names are made of it. */
export function uuidOf(value: unknown): string | null {
  return typeof value === 'string' && UUID.test(value) ? value : null;
}

/** Unix seconds, which some feeds write as a number and some as text. */
export function timestampOf(value: unknown): number | null {
  const text = textOf(value);
  return /^\d{1,12}$/.test(text) ? Number(text) : null;
}
