"""What operators see: the log, the catalogue of security events, health."""
