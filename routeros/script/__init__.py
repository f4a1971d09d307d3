"""RouterOS scripts as text: setting a router up, undoing it, and the pull agent. Pure: values in, text out."""
