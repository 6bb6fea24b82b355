"""A native application (RFC 8252) as a command-line program: `python -m demo_clients.mobile login`.

It has no secret: whoever installs it has all that it has. What protects it is PKCE, the system's browser, in which the
person signs in where the password is known, and a redirect to the loopback interface.
"""
