"""What pretraining, tuning, transfer and external share: networks, inputs, augmentation and the one training loop."""
