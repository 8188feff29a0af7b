"""The rivals that the paper compares LIS-AE with, one file each, on the contract and backbone of ``lisae``."""
