"""The feeder: which bytes of a layer's input go to the array, and when."""
