"""Export and import: clients, resources and accounts as lines that people can read, compare and write."""
