"""The door for messages: one class per kind of gateway, one interface. When and what is sent: `portal.messages.sending`."""
