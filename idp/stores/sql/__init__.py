"""The stores over SQL: SQLAlchemy Core for the statements, the driver's own cursor to run them."""
