"""The two flows that every OpenID Provider has, authorization and token request, and how specifications plug in."""
