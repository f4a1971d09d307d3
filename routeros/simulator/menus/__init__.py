"""The menus with behaviour: their fields as data, and the verbs that do more than edit rows."""
