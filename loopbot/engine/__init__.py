"""Who rings the bells: when a stream is read, effects are delivered, timers are heard."""
