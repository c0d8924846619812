// The message property `mti` says what the body is: `X.Y-E-S-T`, schema major and minor, encoding (0 JSON, 1 FlatBuffers),
// source (0 RTOS agent, 1 Linux agent), message type (0 raw events).

export interface Mti {
  readonly schema: '2.0' | '2.3';
  readonly source: 'rtos' | 'linux';
}

export type MtiRefusal =
  | 'badMti'
  | 'legacyJson'
  | 'unsupportedEncoding'
  | 'unsupportedSchema'
  | 'unsupportedSource'
  | 'unsupportedType';

const MTI = /^(\d{1,3}\.\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})$/;

/** One decoder serves both schemas: `2.0` does not exclude the payload kinds that 2.3 added. */
export function parseMti(text: string): Mti | { readonly refused: MtiRefusal } {
  const parts = MTI.exec(text);
  if (parts === null) return { refused: 'badMti' };
  const [, schema, encoding, source, type] = parts;
  if (encoding === '0') return { refused: 'legacyJson' };
  if (encoding !== '1') return { refused: 'unsupportedEncoding' };
  if (schema !== '2.0' && schema !== '2.3') return { refused: 'unsupportedSchema' };
  if (source !== '0' && source !== '1') return { refused: 'unsupportedSource' };
  if (type !== '0') return { refused: 'unsupportedType' };
  return { schema, source: source === '0' ? 'rtos' : 'linux' };
}
