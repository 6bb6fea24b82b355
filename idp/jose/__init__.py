"""Keys and signatures: JWS, JWK and JWKS as OpenID Connect needs them, and the sealing of secrets at rest."""
