"""Settings in; the components that several programs are built of out. See README.md."""
