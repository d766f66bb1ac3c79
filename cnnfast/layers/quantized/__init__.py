"""What Keras' quantized layers keep, and what they compute: imported by a layer that is one."""
