"""How to be a relying party: one small module for each thing that a client of an OpenID Provider has to do.

Read in this order:

1. `discovery`, `jwks`: who the provider is, and which keys it signs with.
2. `code_flow`, `authorization_response`, `callback`: the request, and what must hold before its answer is believed.
3. `jws`, `checks`, `id_token`, `access_token`, `logout_token`: every check of a token, by name, with its reason.
4. `userinfo`, `tokens`: claims about the End-User; access tokens for each API, renewed by the refresh token.
5. `bearer`: how an API (a protected resource) decides by itself about a token that it is shown.
6. `sessions`, `cookies`, `csrf`: the application's own session, which begins with the ID Token and then is its own.
7. `sign_out`, `backchannel_logout`, `events`: leaving, being told that the End-User left, telling the page.

Authlib builds the requests (RFC 6749, RFC 7636); every verification is done here, with joserfc for the signature.
What is left out: encrypted tokens, other algorithms than RS256, other response types than `code`.
"""
