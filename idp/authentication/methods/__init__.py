"""The methods, one factor a module. Adding one is a module and a line in `AMR`, its RFC 8176 name."""

AMR = {"password": "pwd"}
