"""What `deploy/` holds names real settings, commands and paths; by hand, whole sign-ins through real proxies."""
