import { WebError } from '../../ports/web.ts';

/** Node's codes: `ECONNREFUSED`, `HPE_INVALID_CONSTANT`, `DEPTH_ZERO_SELF_SIGNED_CERT`. */
const CODE = /^[A-Z][A-Z0-9_]{0,63}$/;

/** Only the code is repeated: messages of TLS and HTTP errors quote the peer. */
export function networkError(host: string, cause: unknown): WebError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const why = CODE.test(code) ? code : 'the connection failed';
  return new WebError('network', `${host}: ${why}`, { cause });
}
