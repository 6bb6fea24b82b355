"""The methods, one factor a module, and a line here."""

from idp.authentication.methods import mailed_code, passkey, recovery_code, totp
from idp.authentication.methods.second_factor import SecondFactor

# RFC 8176. What is no second factor stands here by name only.
AMR = {"password": "pwd"}
# In the order in which they are offered.
SECOND_FACTORS: tuple[SecondFactor, ...] = (totp.METHOD, passkey.METHOD, recovery_code.METHOD, mailed_code.METHOD)
