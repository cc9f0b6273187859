"""The Celosia engine in Amaranth: an int8 neural-network accelerator programmed over one stream."""
