"""PPPoE on the simulated router: sessions and who may dial in, the clients that dial, and the menus that show them."""
