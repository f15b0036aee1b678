"""The room before the first stage: a longitudinal glioma population with known truth.

`plan` draws who is examined when and how the tumours change; `patient` makes one patient's raw data of it: `anatomy` a
head, `growth` a tumour, `acquisition` the scans, `dicom` or `brats` the files, `reports` the texts. Beside the raw data
stands the truth, which only the evaluation's check of the simulation reads.
"""
