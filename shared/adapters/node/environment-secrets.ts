import type { Secrets } from '../../ports/secrets.ts';

/** Feeds are configured by people who may not see the app's other settings, its storage key for instance. */
const PREFIX = 'FeedCredential';
/** What a setting holds as long as Azure could not replace its Key Vault reference. */
const UNRESOLVED = '@Microsoft.KeyVault(';

/** Credentials from settings whose name begins with `FeedCredential`; every other name is unknown here. */
export class EnvironmentSecrets implements Secrets {
  readonly #env: Readonly<Record<string, string | undefined>>;

  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.#env = env;
  }

  read(name: string): string | null {
    if (!name.startsWith(PREFIX)) return null;
    const value = this.#env[name] ?? '';
    if (value.startsWith(UNRESOLVED)) {
      throw new Error(`the Key Vault reference of the setting ${name} did not resolve`);
    }
    return value === '' ? null : value;
  }
}
