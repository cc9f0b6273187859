"""From a graph of maps to a program for an engine with convolution.

`lower` turns layers into `Kernel`s, one descriptor each; `plan` chooses where each row keeps its
part of every map; `walk` fills in the fields of a descriptor.
"""
