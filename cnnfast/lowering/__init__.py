"""What several layers and operations lower to: functions that append ops to a graph.

`append` has the plain ones; the rest are named after what they make of an image, an axis, a window.
"""
