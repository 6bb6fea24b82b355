"""The End-User who signs in, with every standard claim of OIDC Core §5.1 that a scope can ask for."""

USERNAME = "ada"
EMAIL = "ada@example.org"
CLAIMS: dict[str, object] = {
    "name": "Ada Augusta Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "middle_name": "Augusta",
    "nickname": "Countess",
    "preferred_username": USERNAME,
    "profile": "https://people.example.org/ada",
    "picture": "https://people.example.org/ada.png",
    "website": "https://ada.example.org/",
    "gender": "female",
    "birthdate": "1915-12-10",
    "zoneinfo": "Europe/London",
    "locale": "en-GB",
    "email_verified": True,
    "address": {
        "formatted": "12 St James's Square\nLondon\nSW1Y 4JH\nUnited Kingdom",
        "street_address": "12 St James's Square",
        "locality": "London",
        "region": "Greater London",
        "postal_code": "SW1Y 4JH",
        "country": "United Kingdom",
    },
    "phone_number": "+44 20 7946 0018",
    "phone_number_verified": True,
}
