"""The account pages: what an End-User sees and changes of their own account, one page a module."""
