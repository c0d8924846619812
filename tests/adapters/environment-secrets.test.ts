import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EnvironmentSecrets } from '../../shared/adapters/node/environment-secrets.ts';

describe('secrets in the environment', () => {
  const secrets = new EnvironmentSecrets({
    FeedCredential: 'bare',
    FeedCredentialTaxii: 'user:pass word',
    FeedCredentialEmpty: '',
    FeedCredentialVault: '@Microsoft.KeyVault(SecretUri=https://vault.example.com/secrets/x)',
    FeedCredentialMention: 'not @Microsoft.KeyVault(',
    AzureWebJobsStorage: 'AccountKey=storage',
    feedcredentialtaxii: 'lower',
    MyFeedCredentialTaxii: 'prefixed',
  });

  it('are read by name, as they are', () => {
    assert.equal(secrets.read('FeedCredential'), 'bare');
    assert.equal(secrets.read('FeedCredentialTaxii'), 'user:pass word');
    assert.equal(secrets.read('FeedCredentialMention'), 'not @Microsoft.KeyVault(');
  });

  it('are null when unset or empty', () => {
    assert.equal(secrets.read('FeedCredentialOther'), null);
    assert.equal(secrets.read('FeedCredentialEmpty'), null);
  });

  it('do not include settings of other names', () => {
    for (const name of [
      'AzureWebJobsStorage',
      'feedcredentialtaxii',
      'MyFeedCredentialTaxii',
      '',
    ]) {
      assert.equal(secrets.read(name), null, name);
    }
    assert.equal(secrets.read('__proto__'), null);
    assert.equal(secrets.read('constructor'), null);
  });

  it('throw for a Key Vault reference that did not resolve, and name the setting only', () => {
    assert.throws(
      () => secrets.read('FeedCredentialVault'),
      (error: Error) =>
        error.message.includes('FeedCredentialVault') &&
        error.message.includes('did not resolve') &&
        !error.message.includes('vault.example.com'),
    );
  });
});
